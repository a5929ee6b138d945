"""Rules about settings: which of them a migration may set."""

from pglast import ast
from pglast.enums.parsenodes import VariableSetKind

from source import nodes

# `select name from pg_settings where context in ('superuser', 'superuser-backend')` of PostgreSQL 17, and the one that
# `safeupdate` adds.
SUPERUSER_SETTINGS = set(
    """
    allow_in_place_tablespaces allow_system_table_mods backtrace_functions commit_delay compute_query_id
    deadlock_timeout debug_discard_caches dynamic_library_path event_triggers ignore_checksum_failure
    jit_debugging_support jit_dump_bitcode jit_profiling_support lc_messages lo_compat_privileges log_connections
    log_disconnections log_duration log_error_verbosity log_executor_stats log_lock_waits log_min_duration_sample
    log_min_duration_statement log_min_error_statement log_min_messages log_parameter_max_length log_parser_stats
    log_planner_stats log_replication_commands log_statement log_statement_sample_rate log_statement_stats
    log_temp_files log_transaction_sample_rate max_stack_depth session_preload_libraries session_replication_role
    temp_file_limit track_activities track_counts track_functions track_io_timing track_wal_io_timing
    update_process_title wal_compression wal_consistency_checking wal_init_zero wal_recycle zero_damaged_pages
    safeupdate.enabled
    """.split()
)
# Roles that `postgres` is, or is a member of.
OWN_ROLES = {"postgres", "anon", "authenticated", "service_role", "none"}


def check_settings(statement):
    """Settings that only a superuser may store with a function, role or database, or set at all."""
    for node in nodes(statement.node):
        if isinstance(node, ast.VariableSetStmt):
            stored = node is not statement.node
            yield from check_setting(node, stored)
        elif isinstance(node, ast.FuncCall) and node.funcname[-1].sval == "set_config":
            yield from check_set_config(node)


def check_setting(node, stored):
    name = (node.name or "").lower()
    if stored and "." in name:
        yield f"the setting {name} is stored with a function, role or database"
    elif name in SUPERUSER_SETTINGS:
        yield f"only a superuser may set {name}"


def check_set_config(call):
    name = string_of(call.args[0]) if call.args else None
    if name and name.lower() in SUPERUSER_SETTINGS:
        yield f"only a superuser may set {name}"


def check_identity(statement):
    """Yields roles that the session takes and `postgres` cannot be."""
    for node in nodes(statement.node):
        if isinstance(node, ast.VariableSetStmt) and node.kind == VariableSetKind.VAR_SET_VALUE:
            value = string_of(node.args[0])
            if node.name == "session_authorization":
                yield "SET SESSION AUTHORIZATION"
            elif node.name == "role" and value not in OWN_ROLES:
                yield f"SET ROLE {value}, of which postgres is not a member"


def pins_search_path(options):
    """True if the options of a function set `search_path` to what does not depend on the caller."""
    for each in options or ():
        setting = each.arg
        if each.defname == "set" and setting.name == "search_path" and setting.kind == VariableSetKind.VAR_SET_VALUE:
            return all(string_of(value) != "$user" for value in setting.args)
    return False


def string_of(node):
    """The text of a string constant, or nothing."""
    is_string = isinstance(node, ast.A_Const) and isinstance(node.val, ast.String)
    return node.val.sval if is_string else None
