// Code that several functions share: this folder has no function.json, so it is no function.

const RECOMMENDED = {
  1: [
    ['Tokyo', 'Seattle'],
    ['Spring', 'Summer'],
  ],
  2: [['Seattle', 'London'], ['Summer']],
  3: [
    ['Tokyo', 'London'],
    ['Spring', 'Summer'],
  ],
};

module.exports = { RECOMMENDED };
