from .now import open_now
from .opening import Then, last_published, open_bronze, published_by, then_of_time
from .recognised import is_smelt_project

__all__ = [
    "Then",
    "is_smelt_project",
    "last_published",
    "open_bronze",
    "open_now",
    "published_by",
    "then_of_time",
]
