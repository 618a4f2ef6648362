"""`python -m bench_page`: write the page anew from what is kept."""

from bench_page.page import write

if __name__ == "__main__":
    write()
