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

Block = ipaddress.IPv4Network


@dataclass(frozen=True)
class Snapshot:
    """One look at the machine.

    `rules` maps a command (iptables, ip6tables) to its `-save` output without counters;
    `links` are interfaces, `sysctls` values by name, `folders` control groups, `boot` the boot's id.
    """

    boot: str
    links: tuple[str, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    cgroups: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """As plain JSON values."""
        return asdict(self)


def from_document(values: Mapping[str, object]) -> Snapshot:
    """The inverse of `Snapshot.document`; `TypeError` or `KeyError` for anything else."""
    lists = ("links", "mounts", "namespaces", "cgroups")
    plain = {key: value for key, value in values.items() if key not in lists}
    return Snapshot(**plain, **{key: tuple(values[key]) for key in lists})  # type: ignore[arg-type]


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
    return any(word in names or _inside(word, blocks) for word in words)


def _inside(word: str, blocks: Sequence[Block]) -> bool:
    try:
        network = ipaddress.IPv4Network(word, strict=False)
    except ValueError:
        return False
    return any(network.subnet_of(block) for block in blocks)


def orphans(before: Snapshot, veths: Sequence[str], *, attached: Sequence[str]) -> list[str]:
    """New cable ends with Docker's kind of name on no bridge: a killed engine's, in nobody's use."""
    loose = [name for name in veths if name not in before.links and name not in attached]
    return [name for name in loose if re.fullmatch(r"veth[0-9a-f]{7}", name)]


def differences(before: Snapshot, after: Snapshot) -> list[str]:
    """What a person should know is not as it was, one line each; empty when all is."""
    lines: list[str] = []
    for title in ("links", "mounts", "namespaces", "cgroups"):
        old, new = Counter(getattr(before, title)), Counter(getattr(after, title))
        lines += [f"{title}: added {item}" for item in (new - old).elements()]
        lines += [f"{title}: gone {item}" for item in (old - new).elements()]
    for command in sorted({*before.rules, *after.rules}):
        old_tables = tables(before.rules.get(command, ""))
        new_tables = tables(after.rules.get(command, ""))
        changed = [
            name
            for name in {*old_tables, *new_tables}
            if old_tables.get(name) != new_tables.get(name)
        ]
        lines += [f"{command}: table {name} differs" for name in sorted(changed)]
    for name, value in before.sysctls.items():
        if after.sysctls.get(name) != value:
            lines.append(f"sysctl: {name} was {value}, is {after.sysctls.get(name)}")
    return lines
