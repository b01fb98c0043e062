// Renders the OpenAPI document with DOM calls alone: no markup is ever parsed, as Trusted Types demand.

const response = await fetch("/openapi.json");
const { paths } = await response.json();
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method: method.toUpperCase(),
    ...operation,
  })),
);
const tags = [...new Set(operations.flatMap((operation) => operation.tags))];

document.getElementById("contents").replaceChildren(
  make(
    "ul",
    {},
    operations.map(({ operationId, summary }) =>
      make("li", {}, [make("a", { href: `#${operationId}` }, [summary])]),
    ),
  ),
);
document.getElementById("routes").replaceChildren(...tags.map(renderTag));
openTarget();
addEventListener("hashchange", openTarget);

function renderTag(tag) {
  const routes = operations.filter((operation) => operation.tags.includes(tag));
  return make("section", {}, [make("h2", {}, [tag]), ...routes.map(renderOperation)]);
}

function renderOperation(operation) {
  const { operationId, method, path, summary, parameters, requestBody, responses } = operation;
  const status = Object.keys(responses).find((code) => code !== "default");
  return make("details", { id: operationId }, [
    make("summary", {}, [
      make("span", { className: "method" }, [method]),
      " ",
      make("code", {}, [path]),
      " ",
      make("p", {}, [summary]),
    ]),
    make("p", {}, [`Access: ${operation["x-access"].join(", ")}`]),
    ...section(
      "Parameters",
      parameters.map((parameter) => row(parameter.name, parameter.schema, parameter.required)),
    ),
    ...section("Body", fieldsOf(jsonSchema(requestBody))),
    ...section(`Answer ${status}`, fieldsOf(jsonSchema(responses[status]))),
  ]);
}

function section(title, rows) {
  if (rows.length === 0) return [];
  const head = ["Field", "Type", "Notes"].map((text) => make("th", { scope: "col" }, [text]));
  return [make("h3", {}, [title]), make("table", {}, [make("tr", {}, head), ...rows])];
}

function jsonSchema(part) {
  return part?.content["application/json"].schema;
}

function fieldsOf(schema, prefix = "") {
  if (schema === undefined) return [];
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants !== undefined && schema.properties === undefined) {
    return variants.flatMap((variant) => fieldsOf(variant, prefix));
  }
  if (schema.type === "array") return fieldsOf(schema.items, `${prefix}[]`);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    return [row(path, field, schema.required?.includes(name) ?? false), ...fieldsOf(field, path)];
  });
}

function row(name, schema, required) {
  const notes = [required ? "required" : "optional", schema.description ?? ""]
    .filter(Boolean)
    .join("; ");
  return make("tr", {}, [
    make("td", {}, [make("code", {}, [name])]),
    make("td", {}, [typeOf(schema)]),
    make("td", {}, [notes]),
  ]);
}

function typeOf(schema) {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.join(" | ");
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants !== undefined) return [...new Set(variants.map(typeOf))].join(" | ");
  if (schema.type === "array") return `${typeOf(schema.items ?? {})}[]`;
  return [schema.type ?? "any", schema.format].filter(Boolean).join(" · ");
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target === null) return;
  target.open = true;
  target.scrollIntoView();
}

function make(tag, properties, children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
