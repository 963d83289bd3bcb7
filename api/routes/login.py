"""GET and POST /login, POST /logout: a browser gets a session for a token. Pages, not part of the API."""

from __future__ import annotations

import secrets
from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.auth.gate import SESSION_COOKIE, TokenGate
from api.auth.login_page import LoginPage, login_response
from api.auth.origin import from_own_page
from api.auth.sessions import FORM_LIFE
from api.failures import ApiError
from warehouse.clock import now

router = APIRouter(include_in_schema=False)

FORM_COOKIE: Final = "runlake_form"
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_FOREIGN: Final = "This form was not sent from this server's own page; try again here"
_STALE: Final = "The page had been open for too long, or cookies are blocked; try again"


@router.get("/login")
async def get_login(request: Request, next: str = "/") -> Response:
    """The page to sign in, or to sign out for whoever has signed in."""
    gate = _gate(request)
    if gate is None:
        return RedirectResponse("/", 303)
    principal = None
    if SESSION_COOKIE in request.cookies:
        try:
            principal = await gate.admit(request)
        except ApiError as error:
            return sign_in(request, gate, local(next), problem=str(error))
    if principal is None or not principal.from_browser:
        return sign_in(request, gate, local(next))
    pages = ("/",) if principal.may("reports:read") else ("/executions",) if principal.may("executions:read") else ()
    next_ = local(next)
    return signed_in(
        request, gate, principal.name, may_read=bool(pages), next=pages[0] if pages and next_ == "/" else next_
    )


@router.post("/login")
async def post_login(request: Request) -> Response:
    """A session for a token; 401, 403 and 429 are the page again, with the reason."""
    gate = _gate(request)
    if gate is None:
        return RedirectResponse("/", 303)
    form = await _form(request)
    next_ = local(form.get("next", "/"))
    problem = _doubt(request, gate, form.get("word", ""), request.cookies.get(FORM_COOKIE, ""))
    if problem:
        return sign_in(request, gate, next_, problem=problem, status=403)
    try:
        token = await gate.token(form.get("token", "").strip(), request)
    except ApiError as error:
        answer = sign_in(request, gate, next_, problem=str(error), status=error.status)
        answer.headers.update(error.headers)
        return answer
    end = gate.session_end(token)
    answer = RedirectResponse(next_, 303)
    _set(request, answer, SESSION_COOKIE, gate.sessions.issue(token.token_id, end), int((end - now()).total_seconds()))
    answer.delete_cookie(FORM_COOKIE, path="/", httponly=True, samesite="strict")
    return answer


@router.post("/logout")
async def post_logout(request: Request) -> Response:
    """The end of the browser's session."""
    gate = _gate(request)
    if gate is None:
        return RedirectResponse("/", 303)
    session = gate.session_of(request)
    if session is not None:
        form = await _form(request)
        problem = _doubt(request, gate, form.get("word", ""), session.nonce)
        if problem:
            return signed_in(request, gate, "", may_read=False, problem=problem, status=403)
    answer = sign_in(request, gate, notice="You have signed out")
    answer.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")
    return answer


def sign_in(
    request: Request, gate: TokenGate, next: str = "/", *, problem: str = "", notice: str = "", status: int = 200
) -> Response:
    """The page with the form, which is good for this browser alone."""
    nonce = request.cookies.get(FORM_COOKIE) or secrets.token_hex(16)
    page = LoginPage(gate.sessions.form_word(nonce, now()), next, problem, notice)
    answer = login_response(page, status)
    _set(request, answer, FORM_COOKIE, nonce, int(FORM_LIFE.total_seconds()), samesite="strict")
    return answer


def signed_in(
    request: Request,
    gate: TokenGate,
    name: str,
    *,
    may_read: bool,
    next: str = "/",
    problem: str = "",
    status: int = 200,
) -> Response:
    """The page of somebody who has signed in."""
    session = gate.session_of(request)
    word = gate.sessions.form_word(session.nonce, now()) if session is not None else ""
    return login_response(
        LoginPage(word, next, problem, signed_in_as=name or "of this session", may_read=may_read), status
    )


def local(path: str) -> str:
    """A path of this server; anything that could lead elsewhere becomes /."""
    plain = path.isascii() and path.isprintable() and "\\" not in path and len(path) <= 2000
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"


def _gate(request: Request) -> TokenGate | None:
    """None: the server runs with --no-auth, nobody signs in."""
    gate = request.app.state.gate
    return gate if isinstance(gate, TokenGate) else None


def _doubt(request: Request, gate: TokenGate, word: str, nonce: str) -> str:
    """Why a form cannot be trusted; empty: it can."""
    if not from_own_page(request):
        return _FOREIGN
    return "" if nonce and gate.sessions.is_form_word(word, nonce, now()) else _STALE


async def _form(request: Request) -> dict[str, str]:
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != _FORM_TYPE:
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type is {given[:100]!r}; allowed: {_FORM_TYPE}")
    body = await request.body()
    try:
        found = parse_qs(body.decode(), max_num_fields=20, keep_blank_values=True)
    except ValueError:
        raise ApiError(400, "INVALID_BODY", "the body is not a form") from None
    return {name: values[0] for name, values in found.items()}


def _set(request: Request, answer: Response, name: str, value: str, life_s: int, samesite: Any = "lax") -> None:
    # Lax for the session: who follows a link to a report from a mail is signed in. Nothing changes by GET.
    answer.set_cookie(
        name,
        value,
        max_age=life_s,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite=samesite,
    )
