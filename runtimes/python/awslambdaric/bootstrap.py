# SPDX-License-Identifier: Apache-2.0
"""The life of a Python environment: paths, handler, then one event after the other.

Only interpreter built-ins are imported at the top. What an invocation needs is imported after the first poll has
been written, while the event is on its way (`_load_invocation_modules`).
"""

import posix
import sys

from .lambda_runtime_client import LambdaRuntimeClient

log_sink = None
json_log_format = False
_GLOBAL_AWS_REQUEST_ID = None
_GLOBAL_TENANT_ID = None

_UNHANDLED_WARNING = (
    "LAMBDA_WARNING: Unhandled exception. "
    "The most likely cause is an issue in the function code. "
    "However, in rare cases, a Lambda runtime update can cause unexpected function behavior. "
    "For functions using managed runtimes, runtime updates can be triggered by a function change, or can be "
    "applied automatically. "
    "To determine if the runtime has been updated, check the runtime version in the INIT_START log entry. "
    "If this error correlates with a change in the runtime version, you may be able to mitigate this error by "
    "temporarily rolling back to the previous runtime version. "
    "For more information, see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html\r"
)


def _env(name, default=None):
    # `os` may not be loaded yet; its environ is a view of this one.
    value = posix.environ.get(name)
    return default if value is None else value.decode("utf-8", "surrogateescape")


def _set_search_path(runtime_dir):
    """Code, layers, ourselves, PYTHONPATH, standard library; never what the host has installed."""
    opt = _env(b"LAMBENT_OPT_DIR", "/opt")
    version = "python%d.%d" % sys.version_info[:2]
    search = [
        _env(b"LAMBDA_TASK_ROOT", "/var/task"),
        "%s/python/lib/%s/site-packages" % (opt, version),
        opt + "/python",
        runtime_dir,
    ]
    given = [path for path in _env(b"PYTHONPATH", "").split(":") if path]
    own = {path.rstrip("/") for path in given}
    for path in given + sys.path[1:]:
        of_host = path.rstrip("/").endswith(("/site-packages", "/dist-packages")) and path not in own
        if path not in search and not of_host:
            search.append(path)
    sys.path[:] = search
    return [path for path in given if path.rstrip("/") != runtime_dir.rstrip("/")]


def _use_bytecode():
    """What this interpreter has compiled of the code and of the layers lies in folders of its own, where `lambent` has any.

    A loader that somebody has changed, or given another class, does what it always does, and so does ours with a
    module that is not there. The hash of each file says whether it is whole.
    """
    import _imp

    places = []
    for root, default_root, name, default in (
        (_env(b"LAMBDA_TASK_ROOT", "/var/task"), "/var/task", b"LAMBENT_TASK_BYTECODE", "/var/lang/bytecode/task"),
        (_env(b"LAMBENT_OPT_DIR", "/opt"), "/opt", b"LAMBENT_OPT_BYTECODE", "/var/lang/bytecode/opt"),
    ):
        folder = _env(name, default if root == default_root else None)
        if name in posix.environ:
            del posix.environ[name]
            posix.unsetenv(name)
            if "os" in sys.modules:
                sys.modules["os"].environ.pop(name.decode(), None)
        if folder is not None:
            places.append((root + "/", folder + "/"))
    if not places or sys.flags.optimize or _imp.check_hash_based_pycs != "default":
        return
    import _frozen_importlib_external as machinery
    import _io
    import marshal

    loader_class = machinery.SourceFileLoader
    compile_source, read, original = loader_class.source_to_code, loader_class.get_data, loader_class.get_code
    magic = machinery.MAGIC_NUMBER + b"\1\0\0\0"
    key = int.from_bytes(machinery.MAGIC_NUMBER, "little")

    def load(path):
        for root, folder in places:
            if not path.startswith(root) or "/../" in path:
                continue
            try:
                with _io.FileIO(folder + path[len(root) :] + "c") as file:
                    data = file.read()
                body = memoryview(data)[16:]
                if data[:8] == magic and data[8:16] == _imp.source_hash(key, body):
                    return marshal.loads(body)
            except (OSError, EOFError, ValueError, TypeError):
                pass
            return None

    def get_code(self, fullname):
        if (
            type(self) is loader_class
            and self.name == fullname
            and sys.pycache_prefix is None
            and loader_class.source_to_code is compile_source
            and loader_class.get_data is read
        ):
            code = load(self.path)
            if code is not None:
                _imp._fix_co_filename(code, self.path)
                return code
        return original(self, fullname)

    # Tracebacks leave the frames of imports out, which they know by this name.
    get_code.__code__ = get_code.__code__.replace(co_filename="<frozen importlib._bootstrap_external>")
    loader_class.get_code = get_code


def _stand_in_for_site(extra_paths):
    """`site` is skipped because it scans the host's packages; these are the parts that functions use."""
    import _sitebuiltins
    import builtins

    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    builtins.help = _sitebuiltins._Helper()
    if not extra_paths:
        return
    # Instrumentation that came by PYTHONPATH (a wrapper script's, as a rule) starts from sitecustomize.
    for name in ("sitecustomize", "usercustomize"):
        try:
            __import__(name)
        except ImportError as error:
            if error.name != name:
                raise


def _hide_coerced_locale():
    """Without the locale LANG names, Python sets LC_CTYPE for its children; on AWS it shows from 3.12 on only."""
    if posix.environ.get(b"LC_CTYPE") != b"C.UTF-8" or sys.version_info >= (3, 12) or "os" in sys.modules:
        return
    try:
        fd = posix.open("/proc/self/environ", posix.O_RDONLY)
    except OSError:
        return
    try:
        given = posix.read(fd, 1 << 20)
    finally:
        posix.close(fd)
    if b"\0LC_CTYPE=" not in b"\0" + given:
        del posix.environ[b"LC_CTYPE"]
        posix.unsetenv(b"LC_CTYPE")


class _LoggingFinder:
    """Sets the root logger up the moment anybody imports `logging`.

    AWS's client imports it before the handler; waiting for the first user saves those functions that never log
    through it a third of their start.
    """

    def __init__(self, stdlib_path):
        self._stdlib_path = stdlib_path

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        import _frozen_importlib_external as machinery

        sys.meta_path.remove(self)
        # Only the standard library: on AWS logging is loaded before the function's folder can shadow it.
        spec = machinery.PathFinder.find_spec(name, self._stdlib_path)
        loader = spec.loader

        def exec_module(module):
            del loader.exec_module
            loader.exec_module(module)
            _setup_logging()

        loader.exec_module = exec_module
        return spec


def _setup_logging():
    from . import lambda_runtime_log_utils

    level = {None: "", "TRACE": "DEBUG"}.get(_env(b"AWS_LAMBDA_LOG_LEVEL"), _env(b"AWS_LAMBDA_LOG_LEVEL"))
    lambda_runtime_log_utils.setup(log_sink, json_log_format, level.upper())


def _open_log():
    global log_sink, json_log_format
    from . import log_sink as sinks

    sys.stdout = sinks.Unbuffered(sys.stdout)
    sys.stderr = sinks.Unbuffered(sys.stderr)
    json_log_format = (_env(b"AWS_LAMBDA_LOG_FORMAT") or "").upper() == "JSON"
    fd = _env(b"_LAMBDA_TELEMETRY_LOG_FD")
    if fd is None:
        log_sink = sinks.StandardLogSink()
    else:
        # The function's own children shall not write frames.
        del posix.environ[b"_LAMBDA_TELEMETRY_LOG_FD"]
        posix.unsetenv(b"_LAMBDA_TELEMETRY_LOG_FD")
        if "os" in sys.modules:
            sys.modules["os"].environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
        log_sink = sinks.FramedTelemetryLogSink(fd, json_log_format)


def _prepare_logging(stdlib_path):
    if "logging" in sys.modules:
        _setup_logging()
    else:
        sys.meta_path.insert(0, _LoggingFinder(stdlib_path))


def _get_handler(handler):
    from _frozen_importlib import _gcd_import

    def fault(kind, message, trace=None):
        from .lambda_runtime_exception import FaultException

        return FaultException(getattr(FaultException, kind), message, trace)

    try:
        modname, fname = handler.rsplit(".", 1)
    except ValueError as error:
        raise fault("MALFORMED_HANDLER_NAME", "Bad handler '{}': {}".format(handler, error))
    try:
        if modname.split(".")[0] in sys.builtin_module_names:
            raise fault(
                "BUILT_IN_MODULE_CONFLICT", "Cannot use built-in module {} as a handler module".format(modname)
            )
        module = _gcd_import(modname.replace("/", "."))
    except ImportError as error:
        raise fault("IMPORT_MODULE_ERROR", "Unable to import module '{}': {}".format(modname, error))
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        raise fault("USER_CODE_SYNTAX_ERROR", "Syntax error in module '{}': {}".format(modname, error), trace)
    try:
        return getattr(module, fname)
    except AttributeError:
        raise fault("HANDLER_NOT_FOUND", "Handler '{}' missing on module '{}'".format(fname, modname))


def _report_init_error(lambda_runtime_client, error):
    import logging

    from . import errors
    from .lambda_runtime_exception import FaultException

    if isinstance(error, FaultException):
        result = errors.make_error(error.msg, error.exception_type, error.trace)
    else:
        result = errors.build_fault_result((type(error), error, error.__traceback__), None, importing=True)
    logging.warning(_UNHANDLED_WARNING)
    errors.log_error(result, log_sink, json_log_format)
    lambda_runtime_client.post_init_error(result)
    sys.exit(1)


def on_init_complete(lambda_runtime_client):
    """SnapStart: hooks around the snapshot, which is taken while `restore/next` blocks."""
    import snapshot_restore_py

    from . import errors

    try:
        hooks = snapshot_restore_py.get_before_snapshot()
        while hooks:
            func, args, kwargs = hooks.pop()
            func(*args, **kwargs)
        lambda_runtime_client.restore_next()
    except BaseException:
        result = errors.build_fault_result(sys.exc_info(), None)
        errors.log_error(result, log_sink, json_log_format)
        lambda_runtime_client.post_init_error(result, "Runtime.BeforeSnapshotError")
        sys.exit(64)
    try:
        for func, args, kwargs in snapshot_restore_py.get_after_restore():
            func(*args, **kwargs)
    except BaseException:
        result = errors.build_fault_result(sys.exc_info(), None)
        errors.log_error(result, log_sink, json_log_format)
        lambda_runtime_client.report_restore_error(result)
        sys.exit(65)


def _load_invocation_modules():
    global os, FaultException, LambdaContext, to_json
    import os

    from .lambda_context import LambdaContext
    from .lambda_runtime_exception import FaultException
    from .lambda_runtime_marshaller import LambdaMarshaller, to_json

    if LambdaRuntimeClient.marshaller is None:
        LambdaRuntimeClient.marshaller = LambdaMarshaller()


def _parse_json_header(header, name):
    if not header:
        return None
    try:
        return LambdaRuntimeClient.marshaller.unmarshal_request(header)
    except FaultException as error:
        reason = error.msg.partition(": ")[2]
        raise FaultException(
            FaultException.LAMBDA_CONTEXT_UNMARSHAL_ERROR, "Unable to parse {} JSON: {}".format(name, reason)
        )


def create_lambda_context(
    client_context_json, cognito_identity_json, epoch_deadline_time_in_ms, invoke_id, invoked_function_arn, tenant_id
):
    return LambdaContext(
        invoke_id,
        _parse_json_header(client_context_json, "Client Context"),
        _parse_json_header(cognito_identity_json, "Cognito Identity"),
        epoch_deadline_time_in_ms,
        invoked_function_arn,
        tenant_id,
    )


def update_xray_env_variable(xray_trace_id):
    if xray_trace_id is not None:
        os.environ["_X_AMZN_TRACE_ID"] = xray_trace_id
    elif "_X_AMZN_TRACE_ID" in os.environ:
        del os.environ["_X_AMZN_TRACE_ID"]


def _fault_of_handler(invoke_id):
    from . import errors

    kind, value, _ = sys.exc_info()
    if isinstance(value, FaultException):
        cause = errors.make_xray_fault("LambdaValidationError", value.msg, os.getcwd(), [])
        return errors.make_error(value.msg, value.exception_type, value.trace, invoke_id), cause
    return errors.describe(sys.exc_info(), invoke_id)


def handle_event_request(
    lambda_runtime_client,
    request_handler,
    invoke_id,
    event_body,
    content_type,
    client_context_json,
    cognito_identity_json,
    invoked_function_arn,
    epoch_deadline_time_in_ms,
    tenant_id,
    sink,
    invocation_id=None,
):
    try:
        lambda_context = create_lambda_context(
            client_context_json,
            cognito_identity_json,
            epoch_deadline_time_in_ms,
            invoke_id,
            invoked_function_arn,
            tenant_id,
        )
        event = lambda_runtime_client.marshaller.unmarshal_request(event_body, content_type)
        response = request_handler(event, lambda_context)
        result, result_content_type = lambda_runtime_client.marshaller.marshal_response(response)
    except Exception:
        error, cause = _fault_of_handler(invoke_id)
    else:
        lambda_runtime_client.post_invocation_result(invoke_id, result, result_content_type, invocation_id)
        return
    from . import errors

    errors.log_error(error, sink, json_log_format)
    lambda_runtime_client.post_invocation_error(invoke_id, to_json(error), to_json(cause), invocation_id)


def _invoke(lambda_runtime_client, request_handler, event_request):
    global _GLOBAL_AWS_REQUEST_ID, _GLOBAL_TENANT_ID

    _GLOBAL_AWS_REQUEST_ID = event_request.invoke_id
    _GLOBAL_TENANT_ID = event_request.tenant_id
    if "AWS_LAMBDA_MAX_CONCURRENCY" not in os.environ:
        update_xray_env_variable(event_request.x_amzn_trace_id)
    handle_event_request(
        lambda_runtime_client,
        request_handler,
        event_request.invoke_id,
        event_request.event_body,
        event_request.content_type,
        event_request.client_context,
        event_request.cognito_identity,
        event_request.invoked_function_arn,
        event_request.deadline_time_in_ms,
        event_request.tenant_id,
        log_sink,
        event_request.invocation_id,
    )


def run(handler, lambda_runtime_client):
    try:
        request_handler = _get_handler(handler)
    except Exception as error:
        _report_init_error(lambda_runtime_client, error)
    if _env(b"AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        on_init_complete(lambda_runtime_client)
    lambda_runtime_client.begin_next()
    _load_invocation_modules()
    _invoke(lambda_runtime_client, request_handler, lambda_runtime_client.end_next())
    while True:
        _invoke(lambda_runtime_client, request_handler, lambda_runtime_client.wait_next_invocation())


def main():
    runtime_dir = _env(b"LAMBDA_RUNTIME_DIR") or sys.path[0]
    stdlib_path = sys.path[1:]
    if _env(b"LAMBDA_TASK_ROOT", "/var/task") != "/var/task":
        # Where code is not mounted read-only (no namespaces), compiled files must not be written beside it.
        sys.dont_write_bytecode = True
    _hide_coerced_locale()
    _use_bytecode()
    extra_paths = _set_search_path(runtime_dir)
    if sys.flags.no_site:
        _stand_in_for_site(extra_paths)
    _open_log()
    _prepare_logging(stdlib_path)
    if b"AWS_LAMBDA_MAX_CONCURRENCY" in posix.environ:
        from . import workers

        workers.become_worker(int(_env(b"AWS_LAMBDA_MAX_CONCURRENCY")))
    run(_env(b"_HANDLER", ""), LambdaRuntimeClient(_env(b"AWS_LAMBDA_RUNTIME_API")))
