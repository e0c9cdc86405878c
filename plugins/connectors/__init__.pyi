from .checking import Checked as Checked
from .checking import StreamRead as StreamRead
from .checking import check_connector as check_connector
from .checking import validate_manifest as validate_manifest
from .connecting import connect as connect
from .connector import Connector as Connector
from .inferred import Inferred as Inferred
from .questions import Question as Question
