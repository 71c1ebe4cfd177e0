"""What the command line refuses before anything runs."""

import pytest
from click.testing import CliRunner

from voiceagent_operator import cli as cli_module
from voiceagent_operator.cli import cli
from voiceagent_operator.settings import Settings

RUN = ["run", "--media-image", "media"]
SECRET = ["--metrics-api-secret", "own"]
SERVICE = ["--metrics-api-service", "operator"]
KEY = ["--metrics-api-key", "pyproject.toml"]
CERTIFICATE = ["--metrics-api-certificate", "pyproject.toml"]


def test_a_collector_that_is_no_url_is_named() -> None:
    ended = CliRunner().invoke(cli, [*RUN, "--media-otlp-endpoint", "collector:4318"])
    assert ended.exit_code == 2
    assert "found 'collector:4318'; give a URL that begins with http:// or https://" in ended.output


@pytest.mark.parametrize("label", ["release", "=prometheus"])
def test_a_label_is_a_pair(label: str) -> None:
    done = CliRunner().invoke(cli, [*RUN, "--pod-monitor-label", label])
    assert done.exit_code == 2
    assert f"found {label!r}; give KEY=VALUE" in done.output


@pytest.mark.parametrize("user", ["0", "-1", "root", ""])
def test_a_user_id_that_is_no_ordinary_user_is_refused(user: str) -> None:
    done = CliRunner().invoke(cli, [*RUN, "--media-user-id", user])
    assert done.exit_code == 2
    assert f"found {user!r}; allowed: a number above 0, or assigned" in done.output


@pytest.mark.parametrize(
    ("options", "namespaces"),
    [
        ([], ("interject",)),
        (["--asterisk-namespace", "pbx"], ("pbx",)),
        (["--asterisk-namespace", "pbx", "--asterisk-namespace", "east"], ("pbx", "east")),
    ],
)
def test_asterisks_are_where_the_operator_is_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, options: list[str], namespaces: tuple[str, ...]
) -> None:
    ran: list[Settings] = []

    async def operate(settings: Settings) -> None:
        ran.append(settings)

    monkeypatch.setattr(cli_module, "operate", operate)
    done = CliRunner().invoke(cli, [*RUN, "--lease-namespace", "interject", *options])
    assert done.exit_code == 0, done.output
    assert [each.asterisk_namespaces for each in ran] == [namespaces]


@pytest.mark.parametrize(
    ("plans", "message"),
    [
        ("{", "number plan: found text that is no JSON"),
        ("[]", "number plan: found no object"),
        ('{"east": {"emergency": ["a"]}}', "number plan: east: emergency[0]: found 'a'; allowed:"),
    ],
)
def test_a_number_plan_that_cannot_be_read_is_named(plans: str, message: str) -> None:
    ended = CliRunner().invoke(cli, [*RUN, "--number-plans", plans])
    assert ended.exit_code == 2
    assert message in ended.output


@pytest.mark.parametrize(
    "options", [SECRET, SERVICE, KEY, CERTIFICATE, SECRET + SERVICE + KEY + CERTIFICATE]
)
def test_half_a_certificate_and_two_of_them_are_refused(options: list[str]) -> None:
    done = CliRunner().invoke(cli, [*RUN, *options])
    assert done.exit_code == 2
    assert "the metrics API's certificate is either given by" in done.output
