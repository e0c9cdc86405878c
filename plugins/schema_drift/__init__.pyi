from .change import Change as Change
from .change import Drift as Drift
from .change import Kind as Kind
from .change import Severity as Severity
