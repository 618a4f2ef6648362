"""What a machine's network looks like, and how to get from a later look back to an earlier one. Pure.

Only what is demonstrably ours is undone: chains that were not there before, rules that name them, our
bridges or our addresses. Anything else that changed meanwhile belongs to somebody else and stays.
"""

import ipaddress
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Block = ipaddress.IPv4Network


@dataclass(frozen=True)
class MachineSnapshot:
    """One look at the machine.

    `rules` maps a command (iptables, ip6tables) to its `-save` output without counters;
    `links` are interfaces, `sysctls` values by name, `folders` control groups, `boot` the boot's id.
    """

    boot: str
    links: tuple[str, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    cgroups: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """As plain JSON values."""
        return asdict(self)


def from_document(values: Mapping[str, Any]) -> MachineSnapshot:
    """The inverse of `MachineSnapshot.document`; `KeyError` for anything else."""
    return MachineSnapshot(
        boot=values["boot"],
        links=tuple(values["links"]),
        rules=values["rules"],
        sysctls=values["sysctls"],
        cgroups=tuple(values["cgroups"]),
    )


@dataclass(frozen=True)
class Table:
    """One iptables table: built-in chains with a policy, own chains with '-', rules in order."""

    policies: Mapping[str, str]
    rules: tuple[str, ...]

    def own_chains(self) -> set[str]:
        """Chains that somebody made."""
        return {name for name, policy in self.policies.items() if policy == "-"}

    def trivial(self) -> bool:
        """Whether it has no effect at all."""
        return not self.rules and all(policy == "ACCEPT" for policy in self.policies.values())


def tables(saved: str) -> dict[str, Table]:
    """Parse the output of iptables-save; tables without effect are left out."""
    found: dict[str, Table] = {}
    for name, body in re.findall(r"^\*(\w+)\n(.*?)^COMMIT$", saved, re.MULTILINE | re.DOTALL):
        chains = re.findall(r"^:(\S+) (\S+)", body, re.MULTILINE)
        rules = tuple(line for line in body.splitlines() if line.startswith("-A "))
        found[name] = Table(dict(chains), rules)
    return {name: table for name, table in found.items() if not table.trivial()}


def undo_rules(
    before: str, after: str, *, links: Sequence[str], blocks: Sequence[Block]
) -> list[list[str]]:
    """Arguments of the iptables calls that take our rules out again, in order.

    `links` are our interfaces and `blocks` our addresses: with new chains they tell our rules.
    """
    old_tables, calls = tables(before), list[list[str]]()
    for name, table in tables(after).items():
        old = old_tables.get(name, Table({}, ()))
        new_chains = table.own_chains() - old.own_chains()
        for rule in (Counter(table.rules) - Counter(old.rules)).elements():
            words = shlex.split(rule)
            if words[1] not in new_chains and _ours(words, new_chains | set(links), blocks):
                calls.append(["-t", name, "-D", *words[1:]])
        calls += [["-t", name, "-F", chain] for chain in sorted(new_chains)]
        calls += [["-t", name, "-X", chain] for chain in sorted(new_chains)]
        calls += [["-t", name, "-P", *change] for change in _policies(old, table)]
    return calls


def _policies(old: Table, new: Table) -> list[tuple[str, str]]:
    """Built-in chains whose policy changed, with the policy they had."""
    built_in = sorted(name for name, policy in new.policies.items() if policy != "-")
    wanted = {name: old.policies.get(name, "ACCEPT") for name in built_in}
    return [(name, wanted[name]) for name in built_in if new.policies[name] != wanted[name]]


def _ours(words: Sequence[str], names: set[str], blocks: Sequence[Block]) -> bool:
    return any(word in names or inside(word, blocks) for word in words)


def addresses(shown: str) -> dict[str, str]:
    """Interface to IPv4 address (CIDR), from the lines of `ip -o -4 address show`."""
    words = [line.split() for line in shown.splitlines()]
    return {line[1]: line[3] for line in words}


def inside(word: str, blocks: Sequence[Block]) -> bool:
    """Whether a word is an address or network (CIDR) within one of `blocks`."""
    try:
        network = ipaddress.IPv4Network(word, strict=False)
    except ValueError:
        return False
    return any(network.subnet_of(block) for block in blocks)


def orphans(before: MachineSnapshot, veths: Sequence[str], *, attached: Sequence[str]) -> list[str]:
    """New cable ends with Docker's kind of name on no bridge: a killed engine's, in nobody's use."""
    loose = [name for name in veths if name not in before.links and name not in attached]
    return [name for name in loose if re.fullmatch(r"veth[0-9a-f]{7}", name)]


def leftovers(
    before: MachineSnapshot,
    after: MachineSnapshot,
    *,
    links: Sequence[str],
    blocks: Sequence[Block],
) -> list[str]:
    """What of ours is still there, one line each; empty when the machine is as it was.

    `links` are our interfaces that are still there. What others changed meanwhile is no leftover.
    """
    lines = [f"interface {name}" for name in links]
    for command in sorted(after.rules):
        old, new = before.rules.get(command, ""), after.rules[command]
        calls = undo_rules(old, new, links=links, blocks=blocks)
        lines += [f"{command}: not undone: {shlex.join(call)}" for call in calls]
    lines += [f"control group {name}" for name in after.cgroups if name not in before.cgroups]
    changed = {name: after.sysctls.get(name) for name in before.sysctls}
    return lines + [
        f"{name} was {before.sysctls[name]}, is {value}"
        for name, value in changed.items()
        if value != before.sysctls[name]
    ]
