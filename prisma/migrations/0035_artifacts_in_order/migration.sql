-- Pages of a run's artifacts in order of their first versions, however many there are. No later version changes what is in it.
create index artifact_run_id_first_epoch_first_sequence_key_tag_idx on artifact (run_id, first_epoch, first_sequence, key_tag);
