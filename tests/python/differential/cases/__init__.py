"""The cases, one file to an area or to a part of one. Importing a file registers its cases."""

import importlib
import pkgutil

for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
    importlib.import_module(f"{__name__}.{module.name}")
