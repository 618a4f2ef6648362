"""The documentation as a site: how it is built, and the pages that are made from the code."""
