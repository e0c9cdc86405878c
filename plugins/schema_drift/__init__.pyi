from .change import Change as Change
from .change import Drift as Drift
from .change import Kind as Kind
from .change import Severity as Severity
from .healing.settling import settle as settle
from .healing.watched import show_news as show_news
