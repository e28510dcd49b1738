"""The README agrees with the program: commands, options, help text, make targets."""

import re
import shlex
from pathlib import Path

import click
import pytest

from narraframe.cli import cli

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(bash|console)\n(.*?)```", README, flags=re.S)


def lines() -> list[str]:
    found = []
    for kind, block in BLOCKS:
        joined = block.replace("\\\n", " ")
        for line in joined.splitlines():
            if kind == "console" and not line.startswith("$ "):
                continue
            found.append(line.removeprefix("$ ").split("   #")[0].strip())
    return found


def commands(program: str) -> list[str]:
    return sorted({line for line in lines() if line.split()[:1] == [program]})


@pytest.mark.parametrize("line", commands("narraframe"))
def test_every_command_in_the_readme_parses(line):
    words = shlex.split(line)[1:]
    command, context = cli, click.Context(cli, info_name="narraframe")
    while isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, words)
        context = click.Context(command, info_name=name, parent=context)
    command.parse_args(context, words)


@pytest.mark.parametrize("line", commands("make"))
def test_every_make_target_in_the_readme_exists(line):
    target = line.split("#")[0].split()[1]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:.*## ", makefile, flags=re.M)


def test_the_help_in_the_readme_is_the_programs():
    shown = README.split("<!-- help -->\n```\n")[1].split("```\n<!-- /help -->")[0]
    # with the command's own settings, whatever other tests made click remember
    context = cli.make_context(
        "narraframe", ["doctor"], resilient_parsing=True, max_content_width=80, terminal_width=80
    )
    assert shown.strip() == cli.get_help(context).strip()


def every_command(group=cli, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))
        else:
            yield pytest.param(command, (*path, name), id=" ".join((*path, name)))


@pytest.mark.parametrize(("command", "path"), list(every_command()))
def test_every_help_holds_an_example_that_parses(command, path):
    examples = command.help.split("Example:")[1].replace("\\\n", " ").splitlines()
    calls = [shlex.split(line.split("|")[-1]) for line in examples if "narraframe" in line]
    assert calls
    for call in calls:
        words = call[call.index("narraframe") + 1 + len(path) :]
        assert tuple(call[call.index("narraframe") + 1 :][: len(path)]) == path
        command.parse_args(click.Context(command, info_name=path[-1]), words)
