# Blender makes its modules at run time; to a type checker everything in them is `Any`.
from typing import Any

def __getattr__(name: str) -> Any: ...
