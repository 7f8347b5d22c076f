"""`python -m azurite` installs the pinned Azurite into the user's cache."""

import asyncio
import os

from fnhost.azurite import installed

print(asyncio.run(installed(os.environ, print)).script)
