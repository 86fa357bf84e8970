"""The value templates of Home Assistant that can be evaluated without a template engine, and safely.

Read are texts with `{{ … }}`, `{% if %}`, `{% elif %}`, `{% else %}`, `{% endif %}` and `{% set %}`, over `value` and
`value_json`: paths, arithmetic, comparisons, `and or not in`, `a if b else c`, some filters and tests. There are no
loops, few calls and no regular expressions: what is written here ends, and soon.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ingest.decoders.homeassistant_values import (
    CALCULATED,
    COMPARED,
    CONSTANTS,
    FILTERS,
    FUNCTIONS,
    METHODS,
    TESTS,
    UNDEFINED,
    is_in,
    number,
    plain,
    text_of,
)

TEMPLATE_MAX = 4096
"""Characters of a template; the longest seen in real configurations have some two thousand."""
_DEPTH_MAX = 40

_TAGS = re.compile(r"\{\{-?(.*?)-?\}\}|\{%-?(.*?)-?%\}|\{#.*?#\}", re.DOTALL)
_TOKENS = re.compile(
    r"""\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<sign>==|!=|<=|>=|//|\*\*|[-+*/%~<>()\[\]{}.,:|=]))""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = re.compile(r"\\(.)", re.DOTALL)

Variables = dict[str, Any]
Expression = Callable[[Variables], Any]


class NotUnderstoodError(Exception):
    """The template holds something that is not evaluated here; the text says what."""


_RUNTIME_ERRORS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What evaluating over somebody's payload can raise: a text where a number was awaited, and so on."""


class Template(NamedTuple):
    """A template that can be evaluated, and the last keys of the paths into `value_json` that it reads."""

    parts: tuple[Callable[[Variables], str], ...]
    keys: tuple[str, ...]

    def render(self, value: str, value_json: Any) -> str | None:
        """What it makes of the payload, as Home Assistant writes it; None where it cannot be made."""
        variables = {"value": value, "value_json": value_json}
        try:
            return "".join(part(variables) for part in self.parts).strip()
        except _RUNTIME_ERRORS:
            return None


def compiled(text: str) -> Template:
    """The template, ready to be rendered; raises NotUnderstoodError for what is not evaluated here."""
    if len(text) > TEMPLATE_MAX:
        raise NotUnderstoodError(f"it is longer than {TEMPLATE_MAX} characters")
    keys: list[str] = []
    blocks = _Blocks(_pieces(text), keys)
    parts = blocks.until(())
    return Template(tuple(parts), tuple(dict.fromkeys(keys)))


def _pieces(text: str) -> list[tuple[str, str]]:
    """(kind, content): plain `text`, an expression to `show`, a statement to `do`."""
    pieces: list[tuple[str, str]] = []
    end = 0
    for tag in _TAGS.finditer(text):
        before = text[end : tag.start()]
        if tag[0][2:3] == "-":
            before = before.rstrip()
        if pieces and text[:end].endswith(("-}}", "-%}")):
            before = before.lstrip()
        pieces.append(("text", before))
        if tag[1] is not None:
            pieces.append(("show", tag[1]))
        elif tag[2] is not None:
            pieces.append(("do", tag[2]))
        end = tag.end()
    rest = text[end:]
    pieces.append(("text", rest.lstrip() if text[:end].endswith(("-}}", "-%}")) else rest))
    if any(kind == "text" and ("{{" in content or "{%" in content) for kind, content in pieces):
        raise NotUnderstoodError("a bracket is not closed")
    return pieces


class _Blocks:
    """Text, shown expressions and statements, one after the other."""

    def __init__(self, pieces: list[tuple[str, str]], keys: list[str]) -> None:
        self.pieces = iter(pieces)
        self.keys = keys
        self.names = {"value", "value_json"}
        self.ended_by: tuple[str, _Parser] | None = None

    def until(self, ends: tuple[str, ...], depth: int = 0) -> list[Callable[[Variables], str]]:
        if depth > _DEPTH_MAX:
            raise NotUnderstoodError("it is nested too deep")
        parts: list[Callable[[Variables], str]] = []
        for kind, content in self.pieces:
            if kind == "text":
                parts.append(lambda _, content=content: content)  # type: ignore[misc]  # a default, no argument
                continue
            parser = _Parser(content, self.names, self.keys)
            if kind == "show":
                parts.append(_shown(parser.whole()))
                continue
            word = parser.word()
            if word in ends:
                self.ended_by = (word, parser)
                return parts
            if word not in ("if", "set"):
                raise NotUnderstoodError(f"{{% {word} %}} is not evaluated")
            parts.append(self._if(parser, depth) if word == "if" else self._set(parser))
        if ends:
            raise NotUnderstoodError("an {% if %} has no {% endif %}")
        return parts

    def _if(self, parser: _Parser, depth: int) -> Callable[[Variables], str]:
        branches: list[tuple[Expression, list[Callable[[Variables], str]]]] = []
        condition = parser.whole()
        while True:
            branches.append((condition, self.until(("elif", "else", "endif"), depth + 1)))
            word, parser = self.ended_by or ("endif", parser)
            if word == "elif":
                condition = parser.whole()
            elif word == "else":
                condition = _constant(True)
            else:
                break

        def chosen(variables: Variables) -> str:
            for holds, parts in branches:
                if holds(variables):
                    return "".join(part(variables) for part in parts)
            return ""

        return chosen

    def _set(self, parser: _Parser) -> Callable[[Variables], str]:
        name = parser.word()
        parser.expect("=")
        expression = parser.whole()
        self.names.add(name)

        def put(variables: Variables) -> str:
            variables[name] = expression(variables)
            return ""

        return put


def _shown(expression: Expression) -> Callable[[Variables], str]:
    return lambda variables: text_of(expression(variables))


def _constant(value: Any) -> Expression:
    return lambda _: value


class _Parser:
    """One expression, by Jinja's precedence."""

    def __init__(self, source: str, names: set[str], keys: list[str]) -> None:
        self.tokens = list(_tokens(source))
        self.place = 0
        self.names = names
        self.keys = keys
        self.depth = 0

    def whole(self) -> Expression:
        expression = self.choice()
        if self.place != len(self.tokens):
            raise NotUnderstoodError(f"{self.tokens[self.place][1]!r} is not understood")
        return expression

    def choice(self) -> Expression:
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise NotUnderstoodError("it is nested too deep")
        one = self.either()
        if self.take("if"):
            holds = self.either()
            other = self.choice() if self.take("else") else _constant(UNDEFINED)
            first = one
            one = lambda v: first(v) if holds(v) else other(v)  # noqa: E731  # an expression among expressions
        self.depth -= 1
        return one

    def either(self) -> Expression:
        one = self.both()
        while self.take("or"):
            one = _joined(one, self.both(), lambda a, b, v: a(v) or b(v))
        return one

    def both(self) -> Expression:
        one = self.negation()
        while self.take("and"):
            one = _joined(one, self.negation(), lambda a, b, v: a(v) and b(v))
        return one

    def negation(self) -> Expression:
        times = 0
        while self.take("not"):
            times += 1
        one = self.comparison()
        if not times:
            return one
        return (lambda v: not one(v)) if times % 2 else (lambda v: bool(one(v)))

    def comparison(self) -> Expression:
        one = self.sum()
        while True:
            if self.take("in"):
                one = _binary(is_in, one, self.sum())
            elif self.peek() == "not" and self.peek(1) == "in":
                self.place += 2
                one = _binary(lambda a, b: not is_in(a, b), one, self.sum())
            elif (sign := self.peek_sign()) in COMPARED:
                self.place += 1
                one = _binary(COMPARED[sign], one, self.sum())
            else:
                return one

    def sum(self) -> Expression:
        one = self.product()
        while (sign := self.peek_sign()) in ("+", "-", "~"):
            self.place += 1
            one = _binary(CALCULATED[sign], one, self.product())
        return one

    def product(self) -> Expression:
        one = self.signed()
        while (sign := self.peek_sign()) in ("*", "/", "//", "%"):
            self.place += 1
            one = _binary(CALCULATED[sign], one, self.signed())
        return one

    def signed(self) -> Expression:
        negative = False
        while (sign := self.peek_sign()) in ("+", "-"):
            self.place += 1
            negative ^= sign == "-"
        one = self.filtered(self.path())
        return (lambda v: -number(one(v))) if negative else one

    def filtered(self, one: Expression) -> Expression:
        while True:
            if self.take_sign("|"):
                one = self.applied(one, self.word(), FILTERS, "filter")
            elif self.take("is"):
                negated = self.take("not")
                tested = self.applied(one, self.word(), TESTS, "test")
                one = _negated(tested) if negated else tested
            else:
                return one

    def applied(
        self, one: Expression, name: str, known: Mapping[str, Callable[..., Any]], kind: str
    ) -> Expression:
        if name not in known:
            raise NotUnderstoodError(f"the {kind} {name!r} is not evaluated")
        function = known[name]
        arguments = self.arguments() if self.take_sign("(") else []
        return lambda v: function(one(v), *(argument(v) for argument in arguments))

    def arguments(self) -> list[Expression]:
        """What stands up to the closing bracket; a name before `=` says only what its place says too."""
        found: list[Expression] = []
        for _ in self.separated(")"):
            if self.kind() == "name" and self.peek_sign(1) == "=":
                if self.word() not in ("default", "precision", "default_value") or len(found) > 1:
                    raise NotUnderstoodError("a named argument is not evaluated")
                self.expect("=")
            found.append(self.choice())
        return found

    def path(self) -> Expression:
        kind, content = self.next()
        keys: list[str] = []
        from_json = kind == "name" and content == "value_json"
        one = self.primary(kind, content)
        while True:
            if self.take_sign("."):
                name = self.next()[1]
                if self.take_sign("("):
                    one = self.method(one, name, self.arguments(), keys)
                else:
                    keys.append(name)
                    one = _member(one, _constant(int(name) if name.isdigit() else name))
            elif self.take_sign("["):
                literal = self.tokens[self.place][1] if self.kind() == "text" else None
                key = self.choice()
                self.expect("]")
                keys.append(_unquoted(literal) if literal is not None else "")
                one = _member(one, key)
            else:
                if from_json and keys and keys[-1]:
                    self.keys.append(keys[-1])
                return one

    def method(self, one: Expression, name: str, arguments: list[Expression], keys: list[str]) -> Expression:
        if name == "get" and len(arguments) in (1, 2):
            fallback = arguments[1] if len(arguments) == 2 else _constant(None)
            if self.tokens[self.place - 2][0] == "text" and len(arguments) == 1:
                keys.append(_unquoted(self.tokens[self.place - 2][1]))
            inner = _member(one, arguments[0])
            return lambda v: fallback(v) if (found := inner(v)) is UNDEFINED else found
        if name in METHODS:
            function = METHODS[name]
            return lambda v: function(one(v), *(argument(v) for argument in arguments))
        raise NotUnderstoodError(f".{name}() is not evaluated")

    def primary(self, kind: str, content: str) -> Expression:
        if kind == "number":
            return _constant(float(content) if not content.isdigit() else int(content[:18]))
        if kind == "text":
            return _constant(_unquoted(content))
        if kind == "name":
            if content.lower() in CONSTANTS:
                return _constant(CONSTANTS[content.lower()])
            if content in self.names:
                return lambda v: v.get(content, UNDEFINED)
            if content in FUNCTIONS and self.take_sign("("):
                arguments = self.arguments()
                function = FUNCTIONS[content]
                return lambda v: function(*(argument(v) for argument in arguments))
            raise NotUnderstoodError(f"{content!r} is not known here")
        if content == "(":
            inner = self.choice()
            self.expect(")")
            return inner
        if content == "[":
            return self.sequence()
        if content == "{":
            return self.mapping()
        raise NotUnderstoodError(f"{content!r} is not understood")

    def sequence(self) -> Expression:
        members = [self.choice() for _ in self.separated("]")]
        return lambda v: [plain(member(v)) for member in members]

    def mapping(self) -> Expression:
        members: list[tuple[Expression, Expression]] = []
        for _ in self.separated("}"):
            key = self.choice()
            self.expect(":")
            members.append((key, self.choice()))
        return lambda v: {plain(key(v)): plain(value(v)) for key, value in members}

    def separated(self, end: str) -> Iterator[None]:
        """Once before each member up to the closing bracket, past the comma."""
        first = True
        while not self.take_sign(end):
            if not first:
                self.expect(",")
            first = False
            yield

    def kind(self, ahead: int = 0) -> str | None:
        place = self.place + ahead
        return self.tokens[place][0] if place < len(self.tokens) else None

    def peek(self, ahead: int = 0) -> str | None:
        return self.tokens[self.place + ahead][1] if self.kind(ahead) == "name" else None

    def peek_sign(self, ahead: int = 0) -> str | None:
        return self.tokens[self.place + ahead][1] if self.kind(ahead) == "sign" else None

    def next(self) -> tuple[str, str]:
        if self.place >= len(self.tokens):
            raise NotUnderstoodError("it ends too early")
        self.place += 1
        return self.tokens[self.place - 1]

    def word(self) -> str:
        kind, content = self.next()
        if kind != "name":
            raise NotUnderstoodError(f"{content!r} is no name")
        return content

    def take(self, word: str) -> bool:
        found = self.peek() == word
        self.place += found
        return found

    def take_sign(self, sign: str) -> bool:
        found = self.peek_sign() == sign
        self.place += found
        return found

    def expect(self, sign: str) -> None:
        if not self.take_sign(sign):
            raise NotUnderstoodError(f"{sign!r} is missing")


def _tokens(source: str) -> Iterator[tuple[str, str]]:
    place = 0
    source = source.rstrip()
    while place < len(source):
        found = _TOKENS.match(source, place)
        if found is None or found.lastgroup is None:
            raise NotUnderstoodError(f"{source[place : place + 20]!r} is not understood")
        yield found.lastgroup, found[found.lastgroup]
        place = found.end()


def _unquoted(token: str) -> str:
    return _ESCAPES.sub(lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), token[1:-1])


def _negated(one: Expression) -> Expression:
    return lambda v: not one(v)


def _joined(
    one: Expression, other: Expression, how: Callable[[Expression, Expression, Variables], Any]
) -> Expression:
    return lambda v: how(one, other, v)


def _binary(function: Callable[[Any, Any], Any], one: Expression, other: Expression) -> Expression:
    return lambda v: function(one(v), other(v))


def _member(one: Expression, key: Expression) -> Expression:
    def found(variables: Variables) -> Any:
        whole, named = one(variables), key(variables)
        if isinstance(whole, dict):
            return whole.get(named, UNDEFINED)
        if isinstance(whole, list | str) and isinstance(named, int) and -len(whole) <= named < len(whole):
            return whole[named]
        return UNDEFINED

    return found
