NAME = "nearby"
