-- What stands behind the API's refusal of plaintext, made as strict as SQL can be without a key: header, wrapped key
-- (54 characters, or none), nonce (16), ciphertext, tag (22); and the header names the one cipher that is used.
-- Text that only looks like a JWE, such as base64 of something with dots between, does not pass.
-- Quick on the hot path: parts are measured rather than counted in the pattern, and the header is searched as it stands,
-- for the base64 of "enc":"A256GCM" at each alignment; only one with white space in its JSON has to be decoded.
create or replace function is_sealed(sealed_text text) returns boolean
  language sql immutable parallel safe
  return case
    when sealed_text !~ '^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+$' then false
    when length(split_part(sealed_text, '.', 1)) % 4 = 1
      or length(split_part(sealed_text, '.', 2)) not in (0, 54)
      or length(split_part(sealed_text, '.', 3)) <> 16
      or length(split_part(sealed_text, '.', 5)) <> 22 then false
    when strpos(split_part(sealed_text, '.', 1), 'JlbmMiOiJBMjU2R0NNI') > 0
      or strpos(split_part(sealed_text, '.', 1), 'ImVuYyI6IkEyNTZHQ00i') > 0
      or strpos(split_part(sealed_text, '.', 1), 'iZW5jIjoiQTI1NkdDTS') > 0 then true
    else encode(
      decode(
        rpad(
          translate(split_part(sealed_text, '.', 1), '-_', '+/'),
          (length(split_part(sealed_text, '.', 1)) + 3) / 4 * 4,
          '='
        ),
        'base64'
      ),
      'escape'
    ) ~ '"enc"\s*:\s*"A256GCM"'
  end;
