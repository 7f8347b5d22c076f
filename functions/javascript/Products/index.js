// Shows what its route caught, as JSON.

module.exports = async function (context, req) {
  return { headers: { 'Content-Type': 'application/json' }, body: req.params };
};
