// Greets whoever `name` names, in the query or as a member of the JSON body.
module.exports = async function (context, req) {
    context.log('The HTTP trigger function {{name}} received a request.');
    const name = req.query.name || (req.body && req.body.name);
    context.res = {
        body: name
            ? `Hello, ${name}. It works.`
            : 'It works. Say who you are: ?name=..., or a JSON body with a member name.',
    };
};
