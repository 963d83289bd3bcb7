-- How values look in exported text. Run once in a session.

-- An instant as ISO 8601 with Z and as many decimals as it needs (0 to 6).
CREATE OR REPLACE TEMP MACRO export_instant(instant) AS replace((instant::TIMESTAMP)::VARCHAR, ' ', 'T') || 'Z';

-- Text that a spreadsheet does not take for a formula: what begins with = + - @, a tab, a carriage return or a line
-- feed gets an apostrophe before it.
-- (Two comparisons rule out nearly every text; IN would make DuckDB plan a join for every use.)
CREATE OR REPLACE TEMP MACRO export_cell(text) AS
    CASE
        WHEN text < 'A' AND text >= chr(9) AND (
            starts_with(text, '=') OR starts_with(text, '+') OR starts_with(text, '-') OR starts_with(text, '@')
            OR starts_with(text, chr(9)) OR starts_with(text, chr(10)) OR starts_with(text, chr(13))
        ) THEN '''' || text
        ELSE text
    END;

-- Text as a cell of a CSV file: '' for NULL; in quotation marks (doubled inside) where it is empty or holds a comma, a
-- quotation mark or a line break; harmless to a spreadsheet.
CREATE OR REPLACE TEMP MACRO export_csv_text(text) AS
    CASE
        WHEN text IS NULL THEN ''
        WHEN contains(text, ',') OR contains(text, '"') OR contains(text, chr(10)) OR contains(text, chr(13)) OR text = ''
            THEN '"' || replace(export_cell(text), '"', '""') || '"'
        ELSE export_cell(text)
    END;

-- `,"key":value` where the value (JSON text) is known, nothing where it is NULL.
CREATE OR REPLACE TEMP MACRO export_member(key, json_text) AS
    CASE WHEN json_text IS NULL THEN '' ELSE ',"' || key || '":' || json_text END;

-- Text as a JSON string.
CREATE OR REPLACE TEMP MACRO export_string(text) AS CAST(to_json(text) AS VARCHAR);

-- An instant as a JSON string.
CREATE OR REPLACE TEMP MACRO export_json_instant(instant) AS '"' || export_instant(instant) || '"';
