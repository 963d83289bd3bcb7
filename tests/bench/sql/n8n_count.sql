-- How many executions a list holds in all; parameters as in n8n_list.sql.
SELECT count(*)
FROM execution_entity AS e
WHERE
    e."deletedAt" IS NULL
    AND (%(statuses)s::TEXT[] IS NULL OR e.status = ANY(%(statuses)s::TEXT[]))
    AND e.id < %(before_id)s
