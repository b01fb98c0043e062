-- What a customer's key signed of an input, handed on to agents as it came (see 0012_signed_work).
alter table run_input add column signature text
  constraint run_input_signature_shape check (signature ~ '^eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$' and length(signature) <= 2048);
