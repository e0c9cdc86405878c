"""Any dbt project, in process: `parse`, `compile` and `build` through dbtRunner, one invocation at a time.

A project folder and a target go in; the manifest and node results come out. dbt's own log goes to `logs/`.
`Manifest` reads a manifest.json of any adapter, without dbt.
"""

from plugins.core.project.project import Built, Node, Project
from plugins.core.project.resources import Manifest, Resource

__all__ = ["Built", "Manifest", "Node", "Project", "Resource"]
