"""A copy of `azure.functions` for apps that have none, last on the path (platform/python-worker.md 6)."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import logging
import os
import sys
import types
from typing import MutableMapping, Sequence

PLACE = "FNHOST_SDK_PACKAGES"
"""The setting that names the folder: that of the packages of the host's own interpreter."""
NAMESPACE, SDK = "azure", "azure.functions"
SETUP = "azure_functions_worker.setup"
"""Category of what is the same in each worker of an app: the host tells it once."""
SHARED = (SDK, "werkzeug", "markupsafe")


class SdkCopy(importlib.abc.MetaPathFinder):
    """Asked last. Finds the SDK and what it rests on, and nothing else of the folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == NAMESPACE:
            found = importlib.machinery.ModuleSpec(NAMESPACE, None, is_package=True)
            found.submodule_search_locations = []
            return found
        if fullname not in SHARED:
            return None
        parent = os.path.join(self._folder, *fullname.split(".")[:-1])
        spec = importlib.machinery.PathFinder.find_spec(fullname, [parent])
        if spec and fullname == SDK:
            logging.getLogger(SETUP).warning(
                "The app has no package azure-functions: a copy that came with fnhost is used. %s", ADVICE
            )
        return spec


ADVICE = "Name azure-functions in requirements.txt to have the version that is tested with the app."


def offer_copy(environment: MutableMapping[str, str]) -> None:
    """User code does not see the setting."""
    if folder := environment.pop(PLACE, ""):
        sys.meta_path.append(SdkCopy(folder))
