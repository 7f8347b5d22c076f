NAME = "toplevel"
