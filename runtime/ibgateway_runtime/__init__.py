"""Effects that more than one program needs: clock, log, files read again, HTTP. Imports the api only."""
