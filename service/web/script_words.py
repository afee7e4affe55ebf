"""What the pages' scripts say. Each stands here and in a script as `words("...")`; a test compares the two."""

from service.web.languages import mark

SCRIPT_WORDS = (
    mark("%(count)s chosen"),
    mark("%(count)s decided."),
    mark("%(count)s left"),
    mark("%(count)s more have come."),
    mark("%(count)s more since this page was opened."),
    mark("%(count)s were not decided: others look at them, or have decided."),
    mark("%(name)s is looking at this part. Decide on another one, or wait until they have."),
    mark("No picture: these bytes cannot be shown."),
    mark("A field is not right."),
    mark("It was changed meanwhile. Look again."),
    mark("Your role does not include this."),
    mark("counting …"),
    mark("unknown"),
    mark("Nothing is chosen."),
    mark("Review"),
    mark("The decision is withdrawn."),
    mark("The name or the password is not right."),
    mark("The part was decided meanwhile. Look again."),
    mark("The service answered %(status)s."),
    mark("The service cannot store anything now. Try again in a moment."),
    mark("The service does not answer. Try again."),
    mark("The service does not answer: the decision is not stored. Try again."),
    mark("There is nothing to undo."),
    mark("Too many attempts. Wait a minute and try again."),
    mark("You may look at parts, but not decide about them."),
)
