"""`python -m bench_page`: write the page anew from what is kept, and the one that repeats its figures."""

from bench_page.page import write
from ibgateway_site import pages

if __name__ == "__main__":
    write()
    pages.write()
