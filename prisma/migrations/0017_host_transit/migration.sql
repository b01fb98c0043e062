-- Deployments whose trigger also takes parameters in clear. The API seals them on arrival; what is stored stays sealed.
alter table deployment add column host_transit boolean not null default false;
