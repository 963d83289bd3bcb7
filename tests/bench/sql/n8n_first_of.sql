-- The first of the executions that began in the same instant as %(id)s did; ids count in the order of the beginnings.
SELECT min(other.id)
FROM execution_entity AS one
JOIN execution_entity AS other
    ON other.id BETWEEN one.id - 1000 AND one.id
    AND coalesce(other."startedAt", other."createdAt") = coalesce(one."startedAt", one."createdAt")
WHERE one.id = %(id)s
