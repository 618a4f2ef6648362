"""Whether a gateway that was just made may come up before its first status is written. Pure."""

from ibgateway_api.login import LoginState
from ibgateway_operator.status.conditions import TRUE, Assessment, ready


def may_wait(assessment: Assessment) -> bool:
    """Whatever somebody has to know or to do is said at once; and so is that everything is well."""
    report = assessment.snapshot.report
    if assessment.refusal or assessment.blocker or assessment.findings:
        return False
    if report is not None and report.state is not LoginState.LOGGED_IN:
        return False
    return ready(assessment)[0] is not TRUE
