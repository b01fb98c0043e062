-- What a customer's key signed, handed on to agents as it came: of a deployment and of a trigger.
-- The API checks what stands in it; here only that it is a compact JWS of a size that such a statement has.
alter table deployment add column signature text
  constraint deployment_signature_shape check (signature ~ '^eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$' and length(signature) <= 2048);
alter table flow_run add column trigger_signature text
  constraint flow_run_signature_shape check (trigger_signature ~ '^eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$' and length(trigger_signature) <= 2048);
