from .content import review_document
from .expression import check_expression
from .review import MappingReview
from .server import open_server
from .write import render_page, write_page

__all__ = ["MappingReview", "check_expression", "open_server", "render_page", "review_document", "write_page"]
