-- Draws for generated records: pure functions of (seed, record, salt), so that nothing depends on threads or order.

-- Uniform in [0, 1), 53 bits. The outer hash is needed: the inner one only mixes the salt in by exclusive or.
CREATE OR REPLACE MACRO generate_uniform(seed, no, salt) AS
    (hash(hash(no, seed, salt)) >> 11)::DOUBLE / 9007199254740992.0;

-- Standard normal (Box-Muller).
CREATE OR REPLACE MACRO generate_normal(seed, no, salt) AS
    sqrt(-2.0 * ln(1.0 - generate_uniform(seed, no, salt))) * cos(2.0 * pi() * generate_uniform(seed, no, salt + 1));

-- The id of a record: the seed, then its number, so that records of different seeds never meet.
CREATE OR REPLACE MACRO generate_id(seed, no) AS format('exec_{:03d}{:010d}', seed::BIGINT, no);

-- The text of an instant as the contract writes it: ISO 8601, milliseconds, Z.
CREATE OR REPLACE MACRO generate_instant(instant) AS strftime(instant::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%gZ');
