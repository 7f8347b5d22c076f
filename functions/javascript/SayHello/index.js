// Greets a city.

module.exports = async function (context, city) {
  return `Hello ${city}!`;
};
