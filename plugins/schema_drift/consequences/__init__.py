"""What a change does to this project: changes and the project go in, the same changes as severe as they are here.

By the warehouse's rules for names, by tests that list values, and by whether the models still take the types.
"""

from plugins.schema_drift.consequences.refusing import listed_values
from plugins.schema_drift.consequences.weighing import for_project

__all__ = ["for_project", "listed_values"]
