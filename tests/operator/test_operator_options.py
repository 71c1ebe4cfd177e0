"""What the command line refuses before anything runs."""

from click.testing import CliRunner

from voiceagent_operator.cli import cli


def test_a_collector_that_is_no_url_is_named() -> None:
    command = ["run", "--media-image", "media", "--media-otlp-endpoint", "collector:4318"]
    ended = CliRunner().invoke(cli, command)
    assert ended.exit_code == 2
    assert "found 'collector:4318'; give a URL that begins with http:// or https://" in ended.output
