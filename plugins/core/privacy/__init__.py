"""Personal data in text and values: find it, and replace it by a placeholder that tells its type.

Pure functions. Text and values go in; findings, or the same text with `[EMAIL]`, `[PHONE]`, `[IBAN]`, `[CARD]`,
`[NATIONAL_ID]`, `[IP]` or `[PII]` in their place, come out.
"""

from plugins.core.privacy.detection import Found, find_pii
from plugins.core.privacy.masking import is_pii_name, mask_value, redact

__all__ = ["Found", "find_pii", "is_pii_name", "mask_value", "redact"]
