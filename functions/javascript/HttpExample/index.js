// Greets whoever is named in the query or in a JSON body.

module.exports = async function (context, req) {
  context.log('JavaScript HTTP trigger function processed a request.');
  const name = req.query.name || req.body?.name;
  if (!name) return { status: 400, body: 'Pass a name in the query string or in the request body.' };
  return { body: `Hello, ${name}.` };
};
