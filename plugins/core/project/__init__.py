"""Any dbt project, in process: `parse` and `build` through dbtRunner, one invocation at a time.

A project folder and a target go in; the manifest and node results come out. dbt's own log goes to `logs/`.
"""

from plugins.core.project.project import Built, Node, Project

__all__ = ["Built", "Node", "Project"]
