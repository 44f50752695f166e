"""`python -m motet` is the `motet` command."""

from motet.cli.main import main

if __name__ == "__main__":
    main()
