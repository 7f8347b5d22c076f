# Runs once in each worker, before the first function. Sign in, import modules and define what all functions use here.
