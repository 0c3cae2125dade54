"""Every error code of the HTTP contract, explained once; `/errors/{code}` is served from here."""

from __future__ import annotations

from typing import NamedTuple


class Meaning(NamedTuple):
    """`status` is that of an answer with this code; 0 where it only stands at one field or one entry."""

    status: int
    title: str
    why: str
    cure: str


MEANINGS: dict[str, Meaning] = {
    # The whole request
    "malformed_body": Meaning(
        400,
        "The body is not JSON that this service reads",
        "The text is not JSON, or holds something that programs disagree about. `errors` has the reason and the place.",
        "Correct the place named. Standard JSON writers produce nothing that is refused here, except Python's, which "
        "writes NaN and Infinity unless it is told `allow_nan=False`.",
    ),
    "invalid_cursor": Meaning(
        400,
        "The cursor was not handed out by this service",
        "A list's `cursor` must come unchanged from the `next` of the page before, of the same list.",
        "Start again without `cursor`.",
    ),
    "invalid_url": Meaning(
        400,
        "The address is not UTF-8",
        "The path or the query holds percent-encoded bytes that are not UTF-8.",
        "Encode texts as UTF-8 before percent-encoding them.",
    ),
    "access_denied": Meaning(
        401,
        "A valid key is needed",
        "The service has API keys, and the request carries none of them.",
        "Send `Authorization: Bearer <key>` or `X-API-Key: <key>`.",
    ),
    "scope_missing": Meaning(
        403,
        "The key is not for this call",
        "Every call needs a scope, which /docs names; the key has others.",
        "Use a key with this scope. `portrait keys create` or POST /keys makes one.",
    ),
    "not_found": Meaning(
        404,
        "There is no such call",
        "No call has this path. Paths carry no slash at the end, and ids in them hold no slash.",
        "Compare with /docs; the hint names the nearest call.",
    ),
    "user_unknown": Meaning(
        404,
        "No such user is known",
        "Users begin with their first behaviour, or with PUT /users/{user_id}.",
        "Check the id. Recommendations work for unknown users too.",
    ),
    "item_unknown": Meaning(
        404,
        "No such item is known",
        "The catalogue holds no item with this id, or it has been deleted. As a warning beside accepted behaviours: "
        "they are stored, and count from the moment their item is put.",
        "Check the id, or put the item first.",
    ),
    "job_unknown": Meaning(
        404,
        "No such job is known",
        "No job has this id, or it ended over 90 days ago.",
        "GET /jobs lists all of them.",
    ),
    "model_unknown": Meaning(
        404,
        "No such model is known",
        "No model has this version.",
        "GET /models lists all of them.",
    ),
    "recommendation_unknown": Meaning(
        404,
        "No such recommendation is known",
        "No answer had this id, it is forgotten by now (PORTRAIT_DECISIONS_DAYS), or it could not be recorded.",
        "Take the `recommendation_id` of an answer.",
    ),
    "scenario_unknown": Meaning(
        404,
        "No such scenario is known",
        "No scenario was put under this name. A request may name it all the same: it is a label then.",
        "GET /scenarios lists all of them; PUT makes one.",
    ),
    "merge_circle": Meaning(
        409,
        "Both ids stand for the same user already",
        "The user of the path was merged into the one in `from` before.",
        "Nothing is left to do.",
    ),
    "merged_elsewhere": Meaning(
        409,
        "The id was merged into another user before",
        "An id stands for one user.",
        "If all of them are one person, merge the user whose it is: GET /users/{user_id} of the id names them.",
    ),
    "consent_off": Meaning(
        409,
        "The user does not consent to being profiled",
        "Without consent nothing new is stored of a user and there is no profile to edit. At one behaviour of a batch: "
        "it was not stored.",
        "PUT /users/{user_id}/consent, when the user has agreed.",
    ),
    "user_erased": Meaning(
        409,
        "The user is being or was erased",
        "From the moment that an erasure is asked for nothing of the user is shown or stored. At one behaviour of a "
        "batch: it is older than the erasure, or that is not done yet.",
        "Drop what is older. What the user does after the erasure begins a new profile.",
    ),
    "erasure_stands": Meaning(
        409,
        "An erasure is not cancelled",
        "The user is hidden from the moment that it is asked for, and deleted within seconds.",
        "GET /jobs/{job_id} has the receipt.",
    ),
    "model_knows_erased": Meaning(
        409,
        "The model was learned from somebody who was erased since",
        "What was learned from people who are erased does not come back.",
        "Train again with POST /jobs; that happens by itself too.",
    ),
    "key_unknown": Meaning(
        404,
        "No such key is known",
        "No API key has this id. An id is the part between the underscores of the key.",
        "GET /keys lists all of them.",
    ),
    "error_unknown": Meaning(
        404,
        "No error has this code",
        "Codes are those in the field `code` of a problem.",
        "See /errors for all of them.",
    ),
    "method_not_allowed": Meaning(
        405,
        "The path exists, but not with this method",
        "The header `Allow` lists the methods of this path.",
        "Use one of them.",
    ),
    "request_timeout": Meaning(
        408,
        "The body did not arrive in time",
        "A body has 15 seconds to arrive, so that slow senders do not hold the service.",
        "Send smaller batches or use a faster line.",
    ),
    "conflict": Meaning(
        409,
        "It contradicts what is already stored",
        "What was stored first stands.",
        "Read what is stored and decide anew.",
    ),
    "job_ended": Meaning(
        409,
        "The job has ended already",
        "It was done, failed or cancelled before it could be cancelled.",
        "GET /jobs/{job_id} tells how it ended.",
    ),
    "privacy_budget_spent": Meaning(
        409,
        "The privacy budget is spent",
        "Releases with differential privacy may tell of each day of the users only so much "
        "(PORTRAIT_USER_DAY_EPSILON), all of them together and for good.",
        "Ask for other days or a smaller epsilon, or use what was released already.",
    ),
    "model_gone": Meaning(
        409,
        "The files of the model are gone or damaged",
        "The files of the last three versions that served are kept, and every byte is checked before one serves.",
        "Train again with POST /jobs, or promote another version.",
    ),
    "no_earlier_model": Meaning(
        409,
        "No earlier version has served",
        "One rolls back to a version that has served before the one that serves now.",
        "GET /models lists all of them; any of them can be promoted.",
    ),
    "too_many_scenarios": Meaning(
        409,
        "There are 500 scenarios already",
        "Every process reads all of them every second.",
        "Delete some of them.",
    ),
    "profile_changed": Meaning(
        412,
        "The profile has changed since it was read",
        "A behaviour, an edit or what was learned has changed it; the edit might no longer be what is meant.",
        "Read it again and send the edit with its new `ETag` as `If-Match`.",
    ),
    "too_large": Meaning(
        413,
        "The body is larger than 8 MiB",
        "One request carries at most 8 MiB, so that no request can take the memory of the others.",
        "Send several smaller batches.",
    ),
    "too_many_entries": Meaning(
        413,
        "The request carries more than 10,000 entries",
        "One bulk request carries at most 10,000 behaviours or items.",
        "Send several batches.",
    ),
    "too_many_values": Meaning(
        413,
        "The body holds more than 500,000 values",
        "Reading that many values would keep everybody else waiting.",
        "Send several smaller batches.",
    ),
    "unsupported_body": Meaning(
        415,
        "The content type is not read here",
        "Bodies are JSON; bulk calls also read NDJSON. Compressed bodies are not read.",
        "Send `Content-Type: application/json` or `application/x-ndjson`.",
    ),
    "invalid_input": Meaning(
        422,
        "The request cannot be accepted as it is",
        "Something in the path, the query or the body is not acceptable; `errors` names each with a pointer.",
        "Correct what `errors` lists.",
    ),
    "too_many_edits": Meaning(
        422,
        "The profile holds too many edits",
        "A profile is edited by hand, and what holds at once must stay readable.",
        "Withdraw edits with the action `revert`, or let them expire.",
    ),
    "precondition_required": Meaning(
        428,
        "It must be said which profile is changed",
        "Two people, or two tabs, would overwrite each other without noticing.",
        "Send the `ETag` of GET /users/{user_id}/profile as `If-Match`.",
    ),
    "rate_limited": Meaning(
        429,
        "Too many requests with this key",
        "A key may make so many requests a minute; the header `RateLimit-Policy` says how many.",
        "Go on after the seconds in `Retry-After`, and slow down when `RateLimit` comes near to 0.",
    ),
    "internal": Meaning(
        500,
        "Something went wrong inside the service",
        "This is a defect of the service, not of the request.",
        "Report it with the `request_id`; the log of the service holds what happened under it.",
    ),
    "artifact_refused": Meaning(
        500,
        "A file on disk is not what was published",
        "A checksum did not match: the disk, or somebody, changed a file.",
        "Remove the artifacts folder; everything in it is made again from the database.",
    ),
    "misconfigured": Meaning(
        500,
        "The settings or the machine do not allow a start",
        "A setting is missing or contradicts another.",
        "Run `portrait doctor`.",
    ),
    "unavailable": Meaning(
        503,
        "A part that this answer needs is away",
        "Something the answer needs is starting, overloaded or down.",
        "Try again after the seconds in `Retry-After`; /health/ready tells which part it is.",
    ),
    "overloaded": Meaning(
        503,
        "The service has more to do than it can",
        "So many requests are being answered that this one would have waited too long. Nothing was done.",
        "Try again after the seconds in `Retry-After`, with fewer requests at a time.",
    ),
    "database_unavailable": Meaning(
        503,
        "The database does not answer",
        "Postgres is away, starting or refuses connections. Nothing was stored.",
        "Try again after the seconds in `Retry-After`. Repeats are safe: behaviours with a `behavior_id` count once.",
    ),
    "vault_locked": Meaning(
        503,
        "What is stored cannot be opened",
        "Users are stored encrypted, and PORTRAIT_MASTER_KEY is missing or another one; or it is set for a database in "
        "plain text. Nothing was read or stored.",
        "Set the key that the database was begun with; /health/ready says what does not fit.",
    ),
    # One field, one parameter, one entry
    "missing_field": Meaning(0, "A field is missing", "The field is needed.", "Add it."),
    "unknown_field": Meaning(
        0,
        "A field is not known",
        "Unknown fields are refused, because a misspelt one would be lost silently.",
        "The hint names the nearest known field.",
    ),
    "unknown_source": Meaning(
        0,
        "There is no such source of recommendations",
        "`sources` names ways of finding items; a misspelt one would be ignored silently.",
        "The hint names the nearest known source.",
    ),
    "unknown_parameter": Meaning(
        0,
        "A query parameter is not known",
        "Unknown parameters are refused, because a misspelt one would be ignored silently.",
        "The hint names the nearest known parameter.",
    ),
    "repeated_parameter": Meaning(
        0,
        "A query parameter comes more than once",
        "It would be a guess which one is meant.",
        "Send it once.",
    ),
    "invalid_type": Meaning(
        0,
        "A value is of the wrong kind",
        'Values are not converted: `false` is not a number and `"1"` is not one either.',
        "Send the kind that the hint names.",
    ),
    "invalid_value": Meaning(
        0, "A value lies outside of what is accepted", "The kind is right, the value is not.", "See the hint."
    ),
    "invalid_id": Meaning(
        0,
        "This is no id",
        "Ids have 1 to 128 characters, without `/`, `\\`, control characters and blanks at the ends; `.` and `..` are "
        "none. So every id survives a path, a log line and an index.",
        "Map your ids to such ones, for example by replacing slashes.",
    ),
    "invalid_time": Meaning(
        0,
        "This is no time with a zone",
        "Times are written as in RFC 3339 and always with a zone; without one they would be a guess.",
        "Write 2026-11-24T09:30:00Z or 2026-11-24T10:30:00+01:00.",
    ),
    "time_out_of_window": Meaning(
        0,
        "The time lies outside of the accepted window",
        "Accepted are times from the retention limit to a few minutes from now, by the clock of the server.",
        "The hint shows the server's clock; check yours.",
    ),
    "invalid_text": Meaning(
        0,
        "The text cannot be stored",
        "It holds NUL or half of a surrogate pair.",
        "Remove them where the text is made.",
    ),
    "text_too_long": Meaning(
        0, "The text is too long", "Texts have limits, named in the hint and in /docs.", "Shorten it."
    ),
    "no_item_or_text": Meaning(
        0,
        "The behaviour names neither an item nor a text",
        "A behaviour is about an item, or says something (a search, a comment, a review).",
        "Send `item_id`, `text` or both.",
    ),
    "behavior_conflict": Meaning(
        0,
        "The behaviour is stored already, with another content",
        "A `behavior_id` stands for one behaviour of its user for good; the first one stands.",
        "Use a new `behavior_id` for another behaviour.",
    ),
    "misplaced_field": Meaning(
        0, "A field does not go with the action", "Each action speaks of one thing.", "See the hint."
    ),
    "facet_unknown": Meaning(
        0,
        "No item has this facet",
        "Facets are the steps of categories, short attributes and the clusters that a profile shows.",
        "The hint names the nearest.",
    ),
    "facet_ambiguous": Meaning(
        0,
        "Several facets have this name",
        "It would be a guess which one is meant.",
        "Write the one that is meant as the hint does.",
    ),
    "edit_unknown": Meaning(
        0,
        "No such edit holds",
        "It is of another user, or was withdrawn, or is over.",
        "The profile lists those that hold in `edits`.",
    ),
    "edit_conflict": Meaning(
        0, "Two changes contradict each other", "It would be a guess which one is meant.", "Send one of them."
    ),
    "not_understood": Meaning(
        0,
        "The statement was not understood",
        "Neither what it speaks of nor what is to happen with it was found in the words.",
        "Name things as the catalogue does: `less horror for a week`, `never fish`.",
    ),
    "already_over": Meaning(
        0, "This moment has passed", "What expires in the past would never hold.", "Send a later one; check your clock."
    ),
    "invalid_json": Meaning(0, "This is not JSON", "The text breaks off or goes wrong.", "Correct the place named."),
    "empty_body": Meaning(0, "The body is empty", "The call needs a body.", "Send JSON."),
    "invalid_encoding": Meaning(
        0, "The body is not UTF-8", "JSON is exchanged in UTF-8, without a byte order mark.", "Encode it as UTF-8."
    ),
    "not_finite": Meaning(
        0, "NaN and Infinity are no JSON", "They cannot be ordered or stored.", "Send a number, null or nothing."
    ),
    "number_too_large": Meaning(
        0, "A number overflows", "It does not fit into 64 bits and would be changed silently.", "Send a smaller one."
    ),
    "duplicate_key": Meaning(
        0, "A key comes twice in one object", "Programs disagree which of the two counts.", "Keep one."
    ),
    "too_many_fields": Meaning(
        0, "An object has too many fields", "At most 1,000 fields of one object are read.", "Split the object."
    ),
    "too_deep": Meaning(0, "The nesting is too deep", "At most 16 levels are read.", "Flatten the object."),
    # How a job ended
    "job_cancelled": Meaning(
        0,
        "The job was told to stop",
        "Somebody cancelled it, or its process was stopped.",
        "Ask for it again when it is wanted.",
    ),
    # A warning beside an accepted behaviour
    "type_unmapped": Meaning(
        0,
        "A type of behaviour has no weight",
        "It is stored and counted with weight 0, so it says nothing about taste.",
        "Name its weight in PORTRAIT_WEIGHTS, or use the known type that the hint names.",
    ),
}
