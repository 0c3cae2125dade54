"""How much one request, one record and one answer may carry. Every limit of the service is here."""

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_BEHAVIORS = 10_000  # entries of one bulk request, behaviours and items alike
MAX_DEPTH = 16  # nesting of a JSON body
MAX_ID = 128  # characters of any id
MAX_TYPE = 64
MAX_TEXT = 10_000  # characters of a behaviour's text
MAX_TITLE = 1_000
MAX_DESCRIPTION = 20_000
MAX_CATEGORIES = 32
MAX_CATEGORY = 256
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE_NAME = 64
MAX_ATTRIBUTE_TEXT = 1_000
MAX_CONTEXT_BYTES = 4_096  # of a behaviour's context, written as JSON
MAX_ERRORS = 100  # faults of one entry that an answer lists
DEFAULT_PAGE = 50
MAX_PAGE = 1_000
DEFAULT_LIMIT = 20  # recommendations
MAX_LIMIT = 200
MAX_EXCLUDE = 1_000
MAX_CANDIDATES = 10_000
MAX_QUERY = 1_000  # characters of a search query or a statement
