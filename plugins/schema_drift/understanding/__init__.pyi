from .comparing import compare as compare
from .unlisted import Arrived as Arrived
from .unlisted import arrived_values as arrived_values
