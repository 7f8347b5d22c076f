"""Triggers that no service stands behind: `manualTrigger` is fired by the admin API, `warmupTrigger` at the start.

From platform/app-files.md 3, platform/keys-and-admin.md 3 to 7.
"""

from typing import Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.schema import members

BINDING_TYPES: Final = (
    BindingType(name="manualTrigger", schema=members(), needs_storage=True),
    BindingType(name="warmupTrigger", schema=members(), needs_storage=True),
)
