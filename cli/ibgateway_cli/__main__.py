"""`python -m ibgateway_cli`."""

from ibgateway_cli.main import main

if __name__ == "__main__":
    main()
