"""Values from the file and from variables: precedence, and the source in error messages."""

from pathlib import Path

import pytest

from asterisk_config import environment
from asterisk_config.environment import read_values
from media_pod.errors import InterjectError


@pytest.fixture(autouse=True)
def no_usual_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Moves the default path of the file into the test's folder, where there is none."""
    usual = tmp_path / "asterisk.yaml"
    monkeypatch.setattr(environment, "USUAL_FILE", usual)
    return usual


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(InterjectError) as caught:
        read_values(environ)
    return str(caught.value)


def test_without_file_and_variables_defaults_apply() -> None:
    assert read_values({}).api == ("127.0.0.1:1650",)


def test_the_default_file_is_read_if_it_exists(no_usual_file: Path) -> None:
    no_usual_file.write_text("api: [pod:1650]\n")
    assert read_values({}).api == ("pod:1650",)


def test_a_configured_file_must_exist(tmp_path: Path) -> None:
    missing = tmp_path / "values.yaml"
    assert refusal({"INTERJECT_VALUES": str(missing)}) == (
        f"{missing}: no such file; give the path of a values file"
    )


def test_an_invalid_file_is_reported_with_the_path_of_the_value(no_usual_file: Path) -> None:
    no_usual_file.write_text("sip: {port: 5060.5}\n")
    assert refusal({}) == (
        f"{no_usual_file}: sip.port: found 5060.5; allowed: a whole number 1 to 65535"
    )


def test_variables_override_the_file_and_keep_other_values(no_usual_file: Path) -> None:
    no_usual_file.write_text("api: [a:1]\nsip: {port: 5070, bindHost: 10.0.0.1}\n")
    values = read_values(
        {
            "INTERJECT_API": "b:1650, c:1650",
            "INTERJECT_SIP_PORT": "26060",
            "INTERJECT_RTP_PORTS": "26100-26199",
            "INTERJECT_EXTERNAL_ADDRESS": "198.51.100.7",
        }
    )
    assert values.api == ("b:1650", "c:1650")
    assert (values.sip.port, values.sip.bind_host) == (26060, "10.0.0.1")
    assert (values.rtp.first_port, values.rtp.last_port) == (26100, 26199)
    assert values.sip.external_address == "198.51.100.7"


def test_an_empty_variable_is_ignored() -> None:
    assert read_values({"INTERJECT_API": ""}).api == ("127.0.0.1:1650",)


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        ("INTERJECT_SIP_PORT", "sip", "found 'sip'; allowed: a port from 1 to 65535"),
        (
            "INTERJECT_SIP_PORT",
            "70000",
            "sip.port: found 70000; allowed: a whole number 1 to 65535",
        ),
        ("INTERJECT_RTP_PORTS", "1-", "found '1-'; allowed: FIRST-LAST, such as 10000-10199"),
        (
            "INTERJECT_RTP_PORTS",
            "20-10",
            "rtp: found ports 20 to 10; allowed: lastPort greater than firstPort",
        ),
        (
            "INTERJECT_EXTERNAL_ADDRESS",
            "a b",
            "sip.externalAddress: found 'a b'; allowed: a host name or an IPv4 address, or empty",
        ),
    ],
)
def test_an_invalid_variable_is_reported(variable: str, text: str, problem: str) -> None:
    assert refusal({variable: text}) == f"{variable}: {problem}"


def test_passwords_are_read_from_their_sources(no_usual_file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from;file\n")
    no_usual_file.write_text(
        "phones:\n"
        "  - {name: '601', password: {env: PHONE_601}}\n"
        f"  - {{name: '602', password: {{file: {tmp_path}/secret}}}}\n"
        "trunks: [{name: t, host: h, user: u, password: {env: TRUNK}}, {name: o, host: h}]\n"
    )
    values = read_values({"PHONE_601": "from-env", "TRUNK": "t"})
    assert [phone.password.value for phone in values.phones] == ["from-env", "from;file"]
    assert [trunk.password and trunk.password.value for trunk in values.trunks] == ["t", None]


@pytest.mark.parametrize(
    ("environ", "length"), [({}, 0), ({"PHONE": "top secret"}, 10), ({"PHONE": "x" * 129}, 129)]
)
def test_an_invalid_password_is_reported_by_variable_without_its_text(
    no_usual_file: Path, environ: dict[str, str], length: int
) -> None:
    no_usual_file.write_text("phones: [{name: '601', password: {env: PHONE}}]\n")
    assert refusal(environ) == (
        f"PHONE: expected a password; found an invalid password of {length} characters; "
        "allowed: 1 to 128 printable ASCII characters without spaces"
    )


def test_a_missing_password_file_is_reported(no_usual_file: Path) -> None:
    no_usual_file.write_text("phones: [{name: '601', password: {file: /no/such}}]\n")
    assert refusal({}) == (
        "/no/such: cannot be read (No such file or directory); "
        "a password in the values refers to it"
    )
