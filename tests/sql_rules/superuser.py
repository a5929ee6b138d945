"""Rules about rights: statements that need a superuser, or the owner of a table that Supabase owns."""

from pglast import ast
from pglast.enums.parsenodes import AlterTableType, ObjectType, PublicationObjSpecType, RoleSpecType

from settings import OWN_ROLES, check_identity
from source import nodes, option

# Extensions of PostgreSQL that are marked as trusted, and that Supabase has.
TRUSTED_EXTENSIONS = set(
    """
    btree_gin btree_gist citext cube dict_int fuzzystrmatch hstore intarray isn ltree pg_trgm pgcrypto plpgsql seg
    tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp
    """.split()
)
TRUSTED_LANGUAGES = {"sql", "plpgsql"}
OWN_SCHEMAS = {None, "public", "media_sync", "pg_temp"}

# Statements that need a superuser whatever they say.
ALWAYS = {
    ast.AlterSystemStmt: "ALTER SYSTEM",
    ast.CreateEventTrigStmt: "CREATE EVENT TRIGGER",
    ast.AlterEventTrigStmt: "ALTER EVENT TRIGGER",
    ast.CreatePLangStmt: "CREATE LANGUAGE",
    ast.CreateFdwStmt: "CREATE FOREIGN DATA WRAPPER",
    ast.AlterFdwStmt: "ALTER FOREIGN DATA WRAPPER",
    ast.CreateAmStmt: "CREATE ACCESS METHOD",
    ast.CreateTableSpaceStmt: "CREATE TABLESPACE",
    ast.CreateOpClassStmt: "CREATE OPERATOR CLASS",
    ast.CreateOpFamilyStmt: "CREATE OPERATOR FAMILY",
    ast.AlterOpFamilyStmt: "ALTER OPERATOR FAMILY",
    ast.CreateSubscriptionStmt: "CREATE SUBSCRIPTION",
    ast.LoadStmt: "LOAD",
}
DEFINITIONS = {
    ObjectType.OBJECT_TYPE: "CREATE TYPE of a base type",
    ObjectType.OBJECT_TSPARSER: "CREATE TEXT SEARCH PARSER",
    ObjectType.OBJECT_TSTEMPLATE: "CREATE TEXT SEARCH TEMPLATE",
}
SUPERUSER_ATTRIBUTES = {"superuser": "SUPERUSER", "isreplication": "REPLICATION", "bypassrls": "BYPASSRLS"}


def check_superuser(statement):
    """Yields the parts of a statement that `postgres` is refused."""
    yield from check_identity(statement)
    for node in nodes(statement.node):
        if type(node) in ALWAYS:
            yield ALWAYS[type(node)]
        for kinds, check in CHECKS:
            if isinstance(node, kinds):
                yield from check(node)


def check_extension(node):
    if node.extname not in TRUSTED_EXTENSIONS:
        yield f"the extension {node.extname} is not a trusted one"


def check_copy(node):
    if node.is_program:
        yield "COPY with PROGRAM"
    elif node.filename:
        yield "COPY with a file of the server"


def check_function(node):
    options = node.args if isinstance(node, ast.DoStmt) else node.options
    language = option(options, "language")
    if language and language.sval not in TRUSTED_LANGUAGES:
        yield f"LANGUAGE {language.sval}"
    leakproof = option(options, "leakproof")
    if leakproof and leakproof.boolval:
        yield "a LEAKPROOF function"
    if option(options, "support"):
        yield "a function with SUPPORT"


def check_function_change(node):
    leakproof = option(node.actions, "leakproof")
    if leakproof and leakproof.boolval:
        yield "a LEAKPROOF function"


def check_role(node):
    for name, attribute in SUPERUSER_ATTRIBUTES.items():
        value = option(node.options, name)
        if value and (value.boolval or isinstance(node, ast.AlterRoleStmt)):
            yield f"{'' if value.boolval else 'NO'}{attribute}"


def check_definition(node):
    if node.kind in DEFINITIONS and node.definition:
        yield DEFINITIONS[node.kind]


def check_grant(node):
    if node.objtype == ObjectType.OBJECT_PARAMETER_ACL:
        yield "GRANT on a parameter"


def check_publication(node):
    if node.for_all_tables:
        yield "a publication of all tables"
    schemas = {
        PublicationObjSpecType.PUBLICATIONOBJ_TABLES_IN_SCHEMA,
        PublicationObjSpecType.PUBLICATIONOBJ_TABLES_IN_CUR_SCHEMA,
    }
    if any(each.pubobjtype in schemas for each in node.pubobjects or ()):
        yield "a publication of a whole schema"


def check_owner(node):
    """A new owner that `postgres` is not a member of."""
    role = next((getattr(node, name) for name in ("newowner", "newrole", "authrole") if hasattr(node, name)), None)
    if role and role.roletype == RoleSpecType.ROLESPEC_CSTRING and role.rolename not in OWN_ROLES:
        yield f"a thing is given to {role.rolename}, of which postgres is not a member"


def check_table_change(node):
    yield from check_table(node.relation, "ALTER")
    for command in node.cmds:
        if command.subtype == AlterTableType.AT_ChangeOwner:
            yield from check_owner(command)
        elif command.subtype in (AlterTableType.AT_DisableTrigAll, AlterTableType.AT_EnableTrigAll):
            yield "ENABLE or DISABLE TRIGGER ALL, which takes in foreign keys"


def check_new_policy(node):
    if (node.table.schemaname, node.table.relname) != ("realtime", "messages"):
        yield from check_table(node.table, "CREATE POLICY")


def check_dropped(node):
    if node.removeType not in (ObjectType.OBJECT_TABLE, ObjectType.OBJECT_POLICY):
        return
    names = 3 if node.removeType == ObjectType.OBJECT_POLICY else 2
    for parts in node.objects:
        schema = parts[0].sval if len(parts) == names else None
        if schema not in OWN_SCHEMAS:
            yield f"DROP on a table of the schema {schema}, which is not ours"


def check_table(relation, verb):
    """A change that is its owner's to make, of a table outside our schemas."""
    if relation and relation.schemaname not in OWN_SCHEMAS:
        yield f"{verb} on {relation.schemaname}.{relation.relname}, which is not in a schema of ours"


CHECKS = [
    ((ast.CreateExtensionStmt, ast.AlterExtensionStmt), check_extension),
    (ast.CopyStmt, check_copy),
    ((ast.CreateFunctionStmt, ast.DoStmt), check_function),
    (ast.AlterFunctionStmt, check_function_change),
    ((ast.CreateRoleStmt, ast.AlterRoleStmt), check_role),
    (ast.DefineStmt, check_definition),
    (ast.GrantStmt, check_grant),
    ((ast.CreatePublicationStmt, ast.AlterPublicationStmt), check_publication),
    ((ast.AlterOwnerStmt, ast.ReassignOwnedStmt, ast.CreateSchemaStmt), check_owner),
    (ast.AlterTableStmt, check_table_change),
    (ast.CreatePolicyStmt, check_new_policy),
    (ast.AlterPolicyStmt, lambda node: check_table(node.table, "ALTER POLICY")),
    (ast.IndexStmt, lambda node: check_table(node.relation, "CREATE INDEX")),
    ((ast.RenameStmt, ast.AlterObjectSchemaStmt), lambda node: check_table(node.relation, "ALTER")),
    (ast.DropStmt, check_dropped),
]
